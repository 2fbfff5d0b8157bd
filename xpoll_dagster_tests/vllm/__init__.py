"""Tests with real vLLM: `make test-vllm` on the CPU, `make test-gpu` on a GPU."""
