"""What `chat.actions.storing_at_once` calls on PostgreSQL; elsewhere there is no such function.

The same as `chat.actions.storing`, statement by statement; the tests hold the two together. A
migration that gives messages a new column without a default of the database's own, or changes one
that is used here, brings this function anew.
"""

from django.db import migrations

from chat.migrations._functions import function

# The plan is kept for as long as the connection is, and rows are found one by one through their
# unique keys, whatever the statistics say: a plan that was made while the tables were small would
# read them through later.
APPEND = """
CREATE FUNCTION chat_append(drafts json, waiting boolean)
RETURNS TABLE (
  outcome text, is_member boolean, seq bigint, version bigint, mentioned text, ended bigint,
  at timestamptz
)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  wanted uuid[] := ARRAY(
    SELECT DISTINCT (draft ->> 'conversation')::uuid FROM json_array_elements(drafts) AS draft
  );
  locked uuid[];
  instant timestamptz;
BEGIN
  -- In the order of their ids: two processes that lock several never wait for each other.
  IF waiting THEN
    locked := ARRAY(
      SELECT id FROM chat_conversation WHERE id = ANY (wanted) ORDER BY id FOR NO KEY UPDATE
    );
  ELSE
    locked := ARRAY(
      SELECT id FROM chat_conversation WHERE id = ANY (wanted) ORDER BY id
      FOR NO KEY UPDATE SKIP LOCKED
    );
  END IF;
  instant := clock_timestamp();

  -- A statement of its own, so that it sees what was committed before the rows were locked. Asked
  -- in the one above, two racing repeats would both find nothing, and who is removed meanwhile
  -- could still write.
  RETURN QUERY
  WITH judged AS (
    SELECT draft.*, room.last_seq, room.version AS last_version, room.ended_version,
      seat.id AS seat, seat.id IS NOT NULL AND seat.left_at IS NULL AS is_member,
      CASE
        WHEN seat.left_at IS NULL AND seat.id IS NOT NULL
          AND draft.conversation <> ALL (locked) THEN 'busy'
        WHEN known.id IS NOT NULL THEN 'known'
        WHEN seat.id IS NULL OR seat.left_at IS NOT NULL THEN 'stranger'
        WHEN room.archived_at IS NOT NULL THEN 'archived'
        WHEN draft.reply_to IS NOT NULL
          AND replied.conversation_id IS DISTINCT FROM draft.conversation THEN 'no reply'
        ELSE 'stored'
      END AS outcome
    FROM ROWS FROM (
      json_to_recordset(drafts) AS (
        id uuid, conversation uuid, sender uuid, body text, reply_to uuid, fingerprint text,
        names text[]
      )
    ) WITH ORDINALITY
      AS draft(id, conversation, sender, body, reply_to, fingerprint, names, place)
    LEFT JOIN chat_conversation room ON room.id = draft.conversation
    LEFT JOIN chat_membership seat
      ON seat.conversation_id = draft.conversation AND seat.user_id = draft.sender
    LEFT JOIN chat_message known ON known.id = draft.id
    LEFT JOIN chat_message replied ON replied.id = draft.reply_to
  ), placed AS MATERIALIZED (
    SELECT judged.*, last_seq + nth AS seq, last_version + nth AS version, mentioned
    FROM (
      SELECT judged.*, row_number() OVER (PARTITION BY conversation, outcome ORDER BY place) AS nth
      FROM judged
    ) AS judged
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(user_id ORDER BY id), '[]') AS mentioned FROM (
        -- OFFSET 0: in this order, from the names on, never from all members of the conversation.
        SELECT seat.id, seat.user_id FROM unnest(judged.names) AS name
        CROSS JOIN LATERAL (
          SELECT id FROM accounts_user WHERE lower(username) = name OFFSET 0
        ) AS person
        CROSS JOIN LATERAL (
          SELECT id, user_id, left_at FROM chat_membership
          WHERE conversation_id = judged.conversation AND user_id = person.id OFFSET 0
        ) AS seat
        WHERE outcome = 'stored' AND seat.left_at IS NULL ORDER BY seat.id LIMIT 50
      ) AS each
    ) AS mentions
  ), stored AS (
    INSERT INTO chat_message (
      id, conversation_id, seq, version, sender_id, kind, body, reply_to_id, mentioned,
      fingerprint, created_at
    )
    SELECT id, conversation, seq, version, sender, 'text', body, reply_to, mentioned,
      decode(fingerprint, 'hex'), instant
    FROM placed WHERE outcome = 'stored'
  ), noted AS (
    INSERT INTO chat_mention (message_id, user_id, conversation_id, seq)
    SELECT id, name::uuid, conversation, seq
    FROM placed CROSS JOIN LATERAL jsonb_array_elements_text(mentioned) AS name
    WHERE outcome = 'stored' AND mentioned <> '[]' AND name::uuid <> sender
  ), counted AS (
    UPDATE chat_conversation AS room
    SET last_seq = last.seq, version = last.version, last_message_at = instant
    FROM (
      SELECT conversation, max(seq) AS seq, max(version) AS version
      FROM placed WHERE outcome = 'stored' GROUP BY conversation
    ) AS last WHERE room.id = last.conversation
  ), moved AS (
    -- One's own messages are never unread: whoever had read everything has read them too. What one
    -- wrote in a row from `first` on ends at `through`; `later` of one's own come after that.
    UPDATE chat_membership AS mine
    SET delivered_seq = own.last,
      read_seq = CASE WHEN mine.read_seq = own.first - 1 - mine.own_after_read
        THEN own.through ELSE mine.read_seq END,
      own_after_read = CASE WHEN mine.read_seq = own.first - 1 - mine.own_after_read
        THEN own.later ELSE mine.own_after_read + own.count END
    FROM (
      SELECT seat, first, max(seq) AS last, count(*) AS count,
        max(seq) FILTER (WHERE seq - nth = first - 1) AS through,
        count(*) FILTER (WHERE seq - nth > first - 1) AS later
      FROM (
        SELECT seat, seq, row_number() OVER one AS nth, min(seq) OVER one AS first
        FROM placed WHERE outcome = 'stored' WINDOW one AS (PARTITION BY seat ORDER BY seq)
      ) AS each GROUP BY seat, first ORDER BY seat
    ) AS own WHERE mine.id = own.seat
  )
  SELECT outcome, is_member, seq, version, mentioned::text, ended_version, instant
  FROM placed ORDER BY place;
END
$function$
"""
DROP = "DROP FUNCTION chat_append(json, boolean)"


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_unheard"), ("accounts", "0001_initial")]

    operations = [function(APPEND, DROP)]
