// Package benches does the work of verify.rs and tokens.rs with gopkg.in/macaroon.v2.
package benches

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/macaroon.v2"
)

const now = 1_780_000_000

var (
	master   = []byte(strings.Repeat("\x42", 32))
	preimage = []byte(strings.Repeat("\x11", 32))
	derived  = mac(master, []byte("l402 root key v1"))
	errNo    = errors.New("caveat not satisfied")
)

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

func identifier() []byte {
	hash := sha256.Sum256(preimage)
	id := append([]byte{0, 0}, hash[:]...)
	id = append(id, 0, 0, 0, 0)
	return append(id, []byte(strings.Repeat("\x77", 28))...)
}

func mint(caveats int) *macaroon.Macaroon {
	id := identifier()
	m, err := macaroon.New(mac(derived, id), id, "lsat", macaroon.V2)
	if err != nil {
		panic(err)
	}
	for i := 0; i < caveats; i++ {
		text := [...]string{"services=api:0", "api_capabilities=read-write", "api_valid_until=1790000000"}
		caveat := fmt.Sprintf("api_valid_until=%d", now+9_000_000-i)
		if i < len(text) {
			caveat = text[i]
		}
		if err := m.AddFirstPartyCaveat([]byte(caveat)); err != nil {
			panic(err)
		}
	}
	return m
}

func encode(m *macaroon.Macaroon) string {
	bytes, err := m.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(bytes)
}

func parse(text string) (*macaroon.Macaroon, error) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	m := new(macaroon.Macaroon)
	return m, m.UnmarshalBinary(bytes)
}

func satisfied(caveat string) error {
	condition, value, _ := strings.Cut(caveat, "=")
	switch condition {
	case "services":
		if value == "api:0" {
			return nil
		}
	case "api_capabilities":
		if value == "read-write" {
			return nil
		}
	case "api_valid_until":
		if end, err := strconv.ParseUint(value, 10, 64); err == nil && end > now {
			return nil
		}
	}
	return errNo
}

func verify(field string) error {
	text, hexadecimal, _ := strings.Cut(strings.TrimPrefix(field, "L402 "), ":")
	m, err := parse(text)
	if err != nil {
		return err
	}
	proof, err := hex.DecodeString(hexadecimal)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(proof)
	if len(m.Id()) != 66 || subtle.ConstantTimeCompare(hash[:], m.Id()[2:34]) != 1 {
		return errNo
	}
	return m.Verify(mac(derived, m.Id()), satisfied, nil)
}

func BenchmarkVerify(b *testing.B) {
	for _, caveats := range []int{0, 3, 16} {
		field := "L402 " + encode(mint(caveats)) + ":" + hex.EncodeToString(preimage)
		b.Run(fmt.Sprintf("%d", caveats), func(b *testing.B) {
			if caveats == 3 && len(field) != 5+252+1+64 {
				b.Fatal("not the reference credential")
			}
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if err := verify(field); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := encode(mint(3))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMint(b *testing.B) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if encode(mint(3)) == "" {
			b.Fatal("nothing minted")
		}
	}
}

func BenchmarkAttenuate(b *testing.B) {
	token := mint(3)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if err := token.Clone().AddFirstPartyCaveat([]byte("api_valid_until=1780000001")); err != nil {
			b.Fatal(err)
		}
	}
}
