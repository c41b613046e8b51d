"""What an agent takes as tools, and what it is told of its own history."""
