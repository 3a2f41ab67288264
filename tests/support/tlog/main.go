// Checks what the journal proves with the reference implementation of transparency logs.
//
// Reads one question in JSON and answers in JSON: the text that the note's key signed, the root over the leaves, and
// for each proof what is wrong with it ("" for nothing).
package main

import (
	"encoding/json"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Key       string   `json:"key"`
	Note      string   `json:"note"`
	Hashes    [][]byte `json:"hashes"`
	Inclusion []struct {
		Index, Size int64
		Proof       []tlog.Hash
	} `json:"inclusion"`
	Consistency []struct {
		Old, New int64
		Proof    []tlog.Hash
	} `json:"consistency"`
}

type answer struct {
	Text        string    `json:"text"`
	Root        tlog.Hash `json:"root"`
	Inclusion   []string  `json:"inclusion"`
	Consistency []string  `json:"consistency"`
}

func must(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

func word(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	verifier, err := note.NewVerifier(asked.Key)
	must(err)
	opened, err := note.Open([]byte(asked.Note), note.VerifierList(verifier))
	must(err)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	var leaves []tlog.Hash
	for n, raw := range asked.Hashes {
		more, err := tlog.StoredHashes(int64(n), raw, reader)
		must(err)
		stored = append(stored, more...)
		leaves = append(leaves, tlog.RecordHash(raw))
	}
	root := func(size int64) tlog.Hash {
		found, err := tlog.TreeHash(size, reader)
		must(err)
		return found
	}
	said := answer{Text: opened.Text, Root: root(int64(len(leaves)))}
	for _, one := range asked.Inclusion {
		err := tlog.CheckRecord(one.Proof, one.Size, root(one.Size), one.Index, leaves[one.Index])
		said.Inclusion = append(said.Inclusion, word(err))
	}
	for _, one := range asked.Consistency {
		err := tlog.CheckTree(one.Proof, one.New, root(one.New), one.Old, root(one.Old))
		said.Consistency = append(said.Consistency, word(err))
	}
	must(json.NewEncoder(os.Stdout).Encode(said))
}
