#!/bin/sh
# Makes the certificates of the tests again: an authority, a server `good.example` that it vouches for, and one
# that vouches for itself. They are good for a hundred years and for nothing else.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -outform DER -out "$1"; }
pem() { openssl pkey -inform DER -in "$1"; }
days="-days 36500"
key authority.key
pem authority.key > tmp.key
openssl req -new -x509 $days -key tmp.key -subj "/CN=Test authority" -addext "basicConstraints=critical,CA:TRUE" -out tmp.ca
openssl x509 -in tmp.ca -outform DER -out authority.der
key good.key
pem good.key > tmp.good
openssl req -new -key tmp.good -subj "/CN=good.example" -out tmp.csr
printf 'subjectAltName=DNS:good.example\nbasicConstraints=CA:FALSE\n' > tmp.ext
openssl x509 -req $days -in tmp.csr -CA tmp.ca -CAkey tmp.key -set_serial 1 -extfile tmp.ext -outform DER -out good.der
key alone.key
pem alone.key > tmp.alone
openssl req -new -x509 $days -key tmp.alone -subj "/CN=good.example" -addext "subjectAltName=DNS:good.example" -outform DER -out alone.der
rm -f tmp.* authority.key
