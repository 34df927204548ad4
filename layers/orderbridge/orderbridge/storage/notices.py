"""What the user is told: stored first, published to the topic, then taken from the index of open notices."""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orderbridge.errors import StorageError
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.jobs import notice_item
from orderbridge.storage.transact import ConditionFailedError, call, query_all

log = logging.getLogger(__name__)


class DynamoNotices:
    """Stores notices in the table and publishes them to the SNS topic, at least once each."""

    def __init__(self, client: Any, table: str, sns: Any, topic_arn: str, clock: Any) -> None:
        self._client = client
        self._table = table
        self._sns = sns
        self._topic = topic_arn
        self._clock = clock

    def tell(self, code: str, sentence: str, account: str = "", strategy: str = "", alert_id: str = "") -> None:
        """Store a notice once per minute and wording, then publish it."""
        now_ms = self._clock.now_ms()
        notice_id = f"{alert_id or account or 'bridge'}.{code}.{now_ms // 60_000}"
        about = {"account": account, "strategy": strategy, "alert_id": alert_id}
        item = notice_item(notice_id, now_ms, code, sentence, **{name: text for name, text in about.items() if text})
        try:
            call(
                self._client.put_item,
                TableName=self._table,
                Item=marshal(item),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ConditionFailedError:
            return
        self._publish(item)

    def publish_open(self, limit: int = 50) -> int:
        """Publish notices that were stored and not published yet; give their number."""
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :open",
            ExpressionAttributeValues=marshal({":open": "OPEN#NOTICE"}),
        )
        return sum(self._publish(unmarshal(item)) for item in items[:limit])

    def _publish(self, item: Item) -> bool:
        subject = f"Orderbridge: {item['code']}"[:100]
        about = [str(item[name]) for name in ("strategy", "account", "alert_id") if item.get(name)]
        text = f"{item['sentence']}\n\n{' / '.join(about)}" if about else str(item["sentence"])
        try:
            self._sns.publish(TopicArn=self._topic, Subject=subject, Message=text)
            call(
                self._client.update_item,
                TableName=self._table,
                Key=marshal({"pk": str(item["pk"]), "sk": str(item["sk"])}),
                UpdateExpression="SET published_at_ms = :now REMOVE gpk, gsk",
                ExpressionAttributeValues=marshal({":now": self._clock.now_ms()}),
            )
        except (ClientError, BotoCoreError, StorageError):
            log.warning("a notice was not published and stays open", exc_info=True)
            return False
        return True
