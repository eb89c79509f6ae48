"""What `chat.actions.receipts` calls on PostgreSQL, as `0003_chat_append` is for sending."""

from django.db import migrations

from chat.migrations._functions import function

MARK = """
CREATE FUNCTION chat_mark(marks json)
RETURNS TABLE (
  is_member boolean, moved boolean, read_seq bigint, delivered_seq bigint, own_after_read bigint,
  last_seq bigint, ended bigint, mentions bigint
)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  -- In the order of their ids, as `chat_append` does; what moves nothing waits for nobody.
  PERFORM 1
  FROM json_to_recordset(marks)
    AS mark(person uuid, conversation uuid, read bigint, delivered bigint)
  JOIN chat_membership seat
    ON seat.conversation_id = mark.conversation AND seat.user_id = mark.person
  WHERE seat.left_at IS NULL
    AND (seat.read_seq < mark.read OR seat.delivered_seq < mark.delivered)
  ORDER BY seat.id FOR NO KEY UPDATE OF seat;

  -- Asked after the memberships' rows are locked, so that no message of one's own slips between.
  RETURN QUERY
  WITH aimed AS MATERIALIZED (
    SELECT mark.place, seat.id AS seat, seat.user_id, seat.conversation_id,
      seat.id IS NOT NULL AND seat.left_at IS NULL AS is_member,
      seat.read_seq AS read_from, seat.delivered_seq AS delivered_from, seat.own_after_read,
      greatest(seat.read_seq, least(mark.read, room.last_seq)) AS read_to,
      greatest(seat.delivered_seq, least(mark.delivered, room.last_seq)) AS delivered_to,
      room.last_seq, room.ended_version
    FROM ROWS FROM (
      json_to_recordset(marks) AS (person uuid, conversation uuid, read bigint, delivered bigint)
    ) WITH ORDINALITY AS mark(person, conversation, read, delivered, place)
    LEFT JOIN chat_membership seat
      ON seat.conversation_id = mark.conversation AND seat.user_id = mark.person
    LEFT JOIN chat_conversation room ON room.id = mark.conversation
  ), counted AS MATERIALIZED (
    SELECT aimed.*,
      is_member AND (read_to > read_from OR delivered_to > delivered_from) AS moved,
      -- Only what lies between: somebody far behind has much after it.
      own_after_read - CASE WHEN read_to > read_from THEN (
        SELECT count(*) FROM chat_message AS between
        WHERE between.conversation_id = aimed.conversation_id AND between.seq > read_from
          AND between.seq <= read_to AND between.sender_id = aimed.user_id
      ) ELSE 0 END AS own_to
    FROM aimed
  ), stored AS (
    UPDATE chat_membership AS seat
    SET read_seq = counted.read_to, delivered_seq = counted.delivered_to,
      own_after_read = counted.own_to
    FROM counted WHERE seat.id = counted.seat AND counted.moved
  )
  SELECT is_member, moved, read_to, delivered_to, own_to, last_seq, ended_version,
    CASE WHEN moved THEN (
      SELECT count(*) FROM chat_mention AS mention
      WHERE mention.user_id = counted.user_id AND mention.seq > counted.read_to
        AND mention.conversation_id = counted.conversation_id
    ) ELSE 0 END
  FROM counted ORDER BY place;
END
$function$
"""
DROP = "DROP FUNCTION chat_mark(json)"


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_chat_append")]

    operations = [function(MARK, DROP)]
