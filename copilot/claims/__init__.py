"""What a sentence states, piece by piece, and whether passages state the same: no model, no library.

`numerals` and `dates` read values out of text, `units` says what they measure, `values` compares them;
`names` and `polarity` do so for names and for "not", "all", "at most"; `verdicts` puts it together.
"""
