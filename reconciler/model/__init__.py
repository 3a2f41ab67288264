"""The vocabulary: frozen dataclasses and enums every stage speaks; imports nothing else of ours."""
