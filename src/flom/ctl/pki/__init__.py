"""A small certificate authority for those who have none.

`making` makes certificates, `store` keeps them as files, `reading` says what is in such files,
`judging` says what is wrong with them. Times are passed in; only `store` and `reading` touch files.
Needs the library `cryptography` (`pip install 'pyflom[pki]'`).
"""
