"""Where figures come from: the only room that knows a publisher."""
