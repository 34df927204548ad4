"""Leave out of a failing story what its failure does not need."""

from dataclasses import replace

from tests.simulation.invariants.evidence import Violation
from tests.simulation.play import play_story
from tests.simulation.story import START_MS, Story


def failure(story: Story, name: str) -> Violation | None:
    """Play a story as far as the invariant of this name is violated; give the violation."""
    violations = play_story(story, stop_at=name).violations
    return next((violation for violation in violations if violation.name == name), None)


def shrink(story: Story, name: str = "") -> Story:
    """Leave out steps, many at a time and then one by one, as long as the same invariant fails."""
    violations = play_story(story).violations
    if not violations:
        return story
    name = name or min(violations, key=lambda one: one.at_ms).name
    story = _cut(story, name)
    size = max(1, len(story.steps) // 2)
    while True:
        start = 0
        while start < len(story.steps):
            shorter = story.without(frozenset(range(start, start + size)))
            if failure(shorter, name):
                story = shorter
            else:
                start += size
        if size == 1:
            return story
        size = max(1, size // 2)


def _cut(story: Story, name: str) -> Story:
    """Leave out what comes after the failure."""
    found = failure(story, name)
    if found is None:
        return story
    at_ms = found.at_ms - START_MS
    shorter = replace(story, steps=tuple(step for step in story.steps if step.at_ms <= at_ms))
    return shorter if failure(shorter, name) else story
