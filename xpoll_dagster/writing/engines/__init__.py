"""Engines complete chats in batches: in this process (vLLM) or on a server (OpenAI's API).

They know nothing of books, prompts or tasks.
"""
