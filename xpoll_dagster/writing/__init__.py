"""Text out of pairs and single passages: the rules author, its templates, and the gates.

What linking found comes in as tables and goes out as tables; no link is made and no
dataset is put together here.
"""
