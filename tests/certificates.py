"""Certificates for the tests, made with openssl once for each run."""

import functools
import shutil
import subprocess

import pytest

# Two authorities, and whatever a peer may show. Keys on elliptic curves are quick to make.
SCRIPT = """
ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
ca() { openssl req -x509 $ec -keyout $1.key -out $1.ca -days 30 -subj "/O=Test/CN=$1"; }
request() { openssl req ${3:-$ec} -keyout $1.key -out $1.csr -subj "$2"; }
cert() { # authority, name, subject
    request $2 "$3" "$4"
    openssl x509 -req -in $2.csr -CA $1.ca -CAkey $1.key -CAcreateserial -days 30 -out $2.pem
}
dated() { # authority, name, subject, from, until
    request $2 "$3"
    openssl ca -batch -notext -config ca.cnf -cert $1.ca -keyfile $1.key -in $2.csr -out $2.pem \\
        -startdate $4 -enddate $5
}
cat >ca.cnf <<EOF
[ca]
default_ca = d
[d]
database = index.txt
new_certs_dir = .
serial = serial.txt
default_md = sha256
policy = p
unique_subject = no
[p]
organizationName = optional
commonName = optional
EOF
touch index.txt
echo 1000 >serial.txt

ca one
ca two
cert one mine "/O=Test/CN=$ID"
cert one peer "/O=Test/CN=$ID"
cert one rsa "/O=Test/CN=$ID" "-newkey rsa:2048 -nodes"
cert one other "/O=Test/CN=00112233445566778899aabbccddeeff"
cert one nameless "/O=Test"
cert one last "/CN=somebody else/O=Test/CN=$ID"
cert one first "/CN=$ID/O=Test/CN=somebody else"
cert two foreign "/O=Test/CN=$ID"
request local "/CN=localhost"
echo 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost' >local.ext
openssl x509 -req -in local.csr -CA one.ca -CAkey one.key -CAcreateserial -days 30 \\
    -extfile local.ext -out local.pem
dated one expired "/O=Test/CN=$ID" 20200101000000Z 20200201000000Z
dated one early "/O=Test/CN=$ID" 20990101000000Z 20990201000000Z

request middle "/O=Test/CN=middle"
echo 'basicConstraints=critical,CA:TRUE' >middle.ext
openssl x509 -req -in middle.csr -CA one.ca -CAkey one.key -CAcreateserial -days 30 \\
    -extfile middle.ext -out middle.ca
cert middle leaf "/O=Test/CN=$ID"
cat leaf.pem middle.ca >chained.pem
cp leaf.key chained.key

openssl ec -in mine.key -aes128 -passout pass:secret -out encrypted.key
openssl pkcs8 -topk8 -in mine.key -passout pass:secret -out encrypted8.key
echo junk | tee junk.pem junk.key >junk.ca
"""


@functools.cache
def make(folder, identity):
    """Files NAME.pem, NAME.key and NAME.ca in `folder`; `identity` is the common name of ours."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    subprocess.run(
        ["sh", "-ec", SCRIPT],
        check=True,
        cwd=folder,
        env={"ID": identity, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=100,
    )
    return folder


def options(folder, name="mine", *, key=None, authority="one", check=None):
    """The words that make `flom` use these files."""
    words = [
        "--tls-certificate", f"{folder}/{name}.pem",
        "--tls-private-key", f"{folder}/{key or name}.key",
        "--tls-ca-certificate", f"{folder}/{authority}.ca",
    ]  # fmt: skip
    return [*words, f"--tls-check-peer-id={check}"] if check else words
