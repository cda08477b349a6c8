"""通报: computed from figures into one text model, set by Typst and written as an editable DOCX.

Figures → `standing`, `ranking`, `plan`, … (sentences and tables) → a `Document` of `weekly`,
`half_month` or `monthly` → `typeset` (PDF) and `word` (DOCX). Only the last two know how a page
looks; only the others know what is said (docs/decisions/0065, 0066).
"""
