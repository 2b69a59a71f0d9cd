"""LaTeX as the web writes it: read leniently, to be written in the notation.

The reader of `derive.notation.tex` is strict, for what is typed at `derive grad`; here stands what
other people have published, where one evident meaning is enough.
"""
