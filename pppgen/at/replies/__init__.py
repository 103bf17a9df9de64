"""A modem's answer lines to values, tolerant of every documented variant.

Each parser takes the information lines of one answer and returns a value, or `Unread` with the raw text: what a modem
says is never a crash, and what cannot be understood is still shown.
"""
