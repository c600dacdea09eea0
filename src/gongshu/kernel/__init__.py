"""The constitution: pure Python, standard library only; imports nothing of ours."""
