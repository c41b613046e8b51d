"""The demo: a small tied transformer, trained on real text, and a seeded research loop that really edits it.

`text`, `model` and `experiment` know nothing of the memory; nothing here is imported before the demo runs, because
they need torch.
"""
