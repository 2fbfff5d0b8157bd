"""Pushing a saved dataset to the Hugging Face hub. Nothing calls this by itself."""

from __future__ import annotations

from pathlib import Path


class HubError(Exception):
    """The dataset could not be pushed; the message never holds the token."""


def push(folder: Path, repository: str, token: str) -> str:
    """Push what `save_dataset` wrote: the shards, the card and the report.

    Args:
        folder: The dataset's folder.
        repository: `owner/name` of a dataset repository; made, private, where it is missing.
        token: A token that may write there.

    Returns:
        The repository's address.

    Raises:
        HubError: A setting is missing, the folder holds no dataset, or the hub refuses.
    """
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise HubError("Name the repository as owner/name (XPOLL_HUB_REPOSITORY).")
    if not token:
        raise HubError("Pushing needs a token in the environment variable HF_TOKEN.")
    if not (folder / "README.md").is_file() or not (folder / "parquet").is_dir():
        raise HubError("There is no dataset to push yet: build sft_dataset first.")
    from huggingface_hub import HfApi

    try:
        api = HfApi(token=token)
        address = api.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=folder,
            allow_patterns=["parquet/*", "README.md", "report.json"],
            commit_message="Dataset built by xpoll",
        )
    except Exception as error:  # noqa: BLE001 - whatever it is may carry the token
        reason = " ".join(str(error).replace(token, "***").split())
        raise HubError(f"The hub refused {repository}: {reason[:300]}") from None
    return str(address)
