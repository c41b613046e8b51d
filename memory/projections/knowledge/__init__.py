"""From events to patterns, theories, beliefs and architectural facts."""

from memory.projections.knowledge.projection import KnowledgeProjection

__all__ = ["KnowledgeProjection"]
