"""Leave out of a failing story what its failure does not need."""

from tests.simulation.play import play_story
from tests.simulation.story import Story


def fails_as(story: Story, name: str) -> bool:
    """Tell whether a story violates the invariant of this name."""
    return any(violation.name == name for violation in play_story(story, stop_early=False).violations)


def shrink(story: Story) -> Story:
    """Leave out steps, many at a time and then one by one, as long as the same invariant fails."""
    violations = play_story(story).violations
    if not violations:
        return story
    name = violations[0].name
    size = max(1, len(story.steps) // 2)
    while True:
        start = 0
        while start < len(story.steps):
            shorter = story.without(frozenset(range(start, start + size)))
            if fails_as(shorter, name):
                story = shorter
            else:
                start += size
        if size == 1:
            return story
        size = max(1, size // 2)
