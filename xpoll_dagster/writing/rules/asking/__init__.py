"""Questions by rules: from sentences that are plain enough, ranked, the best kept."""
