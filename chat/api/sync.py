"""`sync/`: what a device has missed, for clients without a socket."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat import catchup, metrics, presence, presenters, queries
from chat.api.answers import SyncAnswer
from chat.api.base import Door
from chat.api.serializers import SyncSerializer


class SyncDoor(Door):
    """The socket's `sync` over HTTP."""

    forms = {"sync": SyncSerializer}

    @extend_schema(operation_id="sync", request=SyncSerializer, responses={200: SyncAnswer})
    def sync(self, request: Request) -> Response:
        """Everything that changed since the versions that the client names.

        A conversation that the client doesn't name comes whole, as a `reset` (not with
        `partial`). What it names and may not read any more is in `removed`.
        """
        wishes = self.wishes(request)
        epoch = queries.epoch()
        states = wishes["states"]
        found = catchup.since(
            self.person,
            {str(each): version for each, version in wishes["versions"].items()},
            same_history=wishes["epoch"] == epoch,
            partial=wishes["partial"],
            states=states,
        )
        return Response(_answer(found, epoch=epoch, asking=str(self.person.id), states=states))


def _answer(found: catchup.Catchup, *, epoch: UUID, asking: str, states: bool) -> SyncAnswer:
    pages = [catchup.page(part) for part in found.parts]
    frames = [frame for page in pages for frame in page.frames]
    for frame in frames:
        metrics.SYNCS.labels("reset" if frame.reset else "changes").inc()
    met = found.beside.people.union(*(who for page in pages for who in page.acquaintances.values()))
    online = presence.online_among_blocking(met - {asking}) if states else set()
    # And what the person was put out of while this was read.
    removed = [*found.removed, *(each for page in pages for each in page.gone)]
    return SyncAnswer(
        epoch=epoch,
        frames=frames,
        removed=[UUID(each) for each in removed],
        receipts=presenters.receipts(found.beside),
        online=presenters.people(online),
    )
