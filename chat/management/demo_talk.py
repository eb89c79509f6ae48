"""What the demo's people say; nothing but words."""

from typing import Final, NamedTuple


class Line(NamedTuple):
    who: str
    minutes_ago: int
    body: str


#: Username and display name.
PEOPLE: Final = (
    ("alice", "Alice Marlow"),
    ("bob", "Bob Lee"),
    ("carol", "Carol Ortiz"),
    ("dave", "Dave Kimani"),
)

_RESET: Final = "```\nhold 3 s\nwait for the hiss\nrelease\n```"

GROUP_TALK: Final = (
    Line("alice", 2880, "Morning all. This room is for the launch, start to finish."),
    Line("bob", 2876, "Nice. Where do we keep the checklist?"),
    Line(
        "alice", 2874, "Here, until it outgrows a message:\n\n- pumps\n- valves\n- the big switch"
    ),
    Line("carol", 2861, "Pumps are **done**. I tested all twelve twice."),
    Line("dave", 2858, "Twice? You have too much time."),
    Line("carol", 2857, "I had _one_ pump that sang. Now it only hums."),
    Line("bob", 1510, "Valves: nine of ten. Number seven sticks when it is cold."),
    Line("alice", 1506, "How cold?"),
    Line("bob", 1505, "Below four degrees. So only if somebody opens the cellar window."),
    Line("dave", 1499, "About that window…"),
    Line("carol", 1498, "Dave."),
    Line("dave", 1496, "Closed it. Nobody saw anything."),
    Line("alice", 1440, "@dave can you print the labels for the new carriers today?"),
    Line("dave", 1391, "On it. A4 or those tiny stickers?"),
    Line("alice", 1388, "Stickers. The long numbers look better small."),
    Line(
        "carol",
        320,
        "I wrote down how to reset the switch:\n\n```\nhold 3 s\nwait for the hiss\nrelease\n```",
    ),
    Line("bob", 311, "“Wait for the hiss” is the best line in our whole documentation."),
    Line("carol", 309, "> wait for the hiss\n\nI want it on a mug."),
    Line("dave", 95, "Labels are printed. 240 of them, and one that says “mug”."),
    Line("alice", 90, "Perfect. Then we are down to valve seven."),
    Line("bob", 48, "New spring arrived an hour ago. Fitting it now."),
    Line("bob", 21, "Valve seven moves like butter, at two degrees as well."),
    Line("carol", 14, "Then that was the list! @alice do we dare?"),
    Line("dave", 9, "I have my hand next to the big switch. Not on it. _Next to it._"),
)

DIRECT_TALK: Final = (
    Line("bob", 1620, "Do you have the key to the workshop?"),
    Line("alice", 1612, "On my desk, under the blue mug."),
    Line("bob", 1601, "Found it, thanks."),
    Line("alice", 130, "Lunch at one? The place with the soup."),
    Line("bob", 124, "Yes please. I’ll be the one with grease on both hands."),
    Line("bob", 33, "Running five minutes late, valve seven wants attention."),
    Line("bob", 18, "Done. On my way now."),
)
