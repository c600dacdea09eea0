"""Data engines: sources, lake, quality, masking, serving. No Django, and nothing of Gongshu's other packages.

Importing this package loads nothing heavy; the share gateway imports only `mask` from here.
"""
