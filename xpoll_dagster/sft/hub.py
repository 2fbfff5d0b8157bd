"""Pushing a saved dataset to the Hugging Face hub: on demand, with the user's token."""

from __future__ import annotations

from pathlib import Path


class UploadError(Exception):
    """The dataset was not pushed; the message says why and never holds the token."""


def push_dataset(folder: Path, repository: str, token: str) -> str:
    """Upload card and Parquet shards of `folder` as a private dataset; returns its address.

    Raises `UploadError` where the repository's name or the token is missing, or the hub
    refuses.
    """
    if not repository or "/" not in repository:
        raise UploadError("Set XPOLL_HUB_REPOSITORY to owner/name of the dataset on the hub.")
    if not token:
        raise UploadError("Set HF_TOKEN to a token that may write to the hub.")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(token=token)
    try:
        api.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=str(folder),
            allow_patterns=["README.md", "report.json", "parquet/*.parquet"],
            commit_message="Dataset built by xpoll",
        )
    except (HfHubHTTPError, OSError) as error:
        # The hub's own message may repeat the request with its headers.
        said = str(error).replace(token, "***").splitlines()
        raise UploadError(f"The hub refused {repository}: {said[0] if said else error}") from None
    return str(commit.commit_url)
