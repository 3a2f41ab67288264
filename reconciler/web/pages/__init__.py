"""Pages for people: who changed what, what is served, and how to prove it. Read only, without a build step.

- ``views/``: what each page shows, as values, made of `Answers` and `Live`; PURE
- ``templates/``: how it looks; ``rendering`` is the only user of Jinja
- ``static/``: style, script and icon, served as they are
- ``routes``: which URL shows which page
"""
