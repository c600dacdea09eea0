"""The constitution: pure Python, standard library only, imported by everything and importing nothing of ours."""
