"""Makes what is told about the options elsewhere: man pages, completions, reference pages.

Everything about an option comes from `flom.options`; `texts` adds what only a manual says. Run it
as `scripts/generate`.
"""
