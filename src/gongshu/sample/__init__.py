"""The sample county: invented units, people, firms and data, the same from the same seed, for trying and testing.

Nothing in it belongs to a real person: region code and telephone prefix are not assigned to anybody, names are put
together from common characters. `gongshu.sample.load.load()` puts it into a sample installation.
"""

SEED = 20260101
