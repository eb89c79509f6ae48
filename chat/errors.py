"""What can be wrong with a request about conversations; see `pneumatic.lib.errors`."""

from pneumatic.lib.errors import Conflict, Forbidden, Invalid, NotFound


class NoSuchConversation(NotFound):
    title = "There is no such conversation, or you are not in it."


class NoSuchMessage(NotFound):
    title = "There is no such message, or you may not see it."


class NoSuchMember(NotFound):
    title = "That person is not in this conversation."


class NoSuchPerson(NotFound):
    title = "There is no such person."


class IdTaken(Conflict):
    title = "This id already names something else; use a new UUID."


class ReadOnly(Forbidden):
    title = "This conversation is archived; nobody can write in it."


class NotAllowed(Forbidden):
    title = "Your role in this conversation does not allow that."


class BadField(Invalid):
    """One field is at fault: `BadField("title", "must not be empty")`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}", fields={field: [problem]})
