// Makes and judges macaroons with gopkg.in/macaroon.v2. Reads and writes the lines that ../foreign.py describes.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"gopkg.in/macaroon.v2"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintln(out, "implementation\tgo-macaroon "+version())
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		given := decoded(words[2:])
		switch words[0] {
		case "make":
			fmt.Fprintf(out, "make\t%s\t%s\t%s\n", words[1], mint(given, macaroon.V2), mint(given, macaroon.V1))
		case "attenuate":
			fmt.Fprintf(out, "attenuate\t%s\t%s\n", words[1], attenuate(given[0], given[1]))
		case "verify":
			fmt.Fprintf(out, "verify\t%s\t%s\n", words[1], verify(given[0], given[1]))
		}
	}
}

// mint mints a token from a root key, a location, an identifier and caveats.
func mint(given [][]byte, format macaroon.Version) string {
	token, err := macaroon.New(given[0], given[2], string(given[1]), format)
	if err != nil {
		return "-"
	}
	for _, caveat := range given[3:] {
		if token.AddFirstPartyCaveat(caveat) != nil {
			return "-"
		}
	}
	return encoded(token)
}

func attenuate(data, caveat []byte) string {
	var token macaroon.Macaroon
	if token.UnmarshalBinary(data) != nil || token.AddFirstPartyCaveat(caveat) != nil {
		return "-"
	}
	return encoded(&token)
}

func verify(root, data []byte) string {
	var token macaroon.Macaroon
	if token.UnmarshalBinary(data) != nil {
		return "malformed"
	}
	for _, caveat := range token.Caveats() {
		if len(caveat.VerificationId) > 0 {
			return "third-party"
		}
	}
	if token.Verify(root, func(string) error { return nil }, nil) != nil {
		return "forged"
	}
	return "authentic"
}

func encoded(token *macaroon.Macaroon) string {
	data, err := token.MarshalBinary()
	if err != nil {
		return "-"
	}
	return hex.EncodeToString(data)
}

func decoded(words []string) [][]byte {
	out := make([][]byte, len(words))
	for i, word := range words {
		data, err := hex.DecodeString(word)
		if err != nil {
			panic(err)
		}
		out[i] = data
	}
	return out
}

// version is the library's, as go.mod pins it.
func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "gopkg.in/macaroon.v2" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}
