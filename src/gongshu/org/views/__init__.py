"""Pages about units, people, posts, permissions and tokens."""
