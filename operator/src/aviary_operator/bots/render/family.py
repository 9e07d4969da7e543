"""All children of a bot together, as they should be."""

from collections.abc import Iterator

from aviary_crds.v1alpha1.tradingbot import TradingBotSpec

from aviary_operator.bots.drift import seal_manifest
from aviary_operator.bots.observed import Missing, Observed
from aviary_operator.bots.podinputs import Applied
from aviary_operator.bots.render.children import (
    render_config_map,
    render_network_policy,
    render_service,
    render_service_account,
    render_volume_claim,
)
from aviary_operator.bots.render.pod import render_stateful_set
from aviary_operator.runtime.kinds import Manifest


def render_family(observed: Observed, applied: Applied, *, replicas: int) -> tuple[Manifest, ...]:
    """Return the children of a bot that runs, or ran, ``applied``; each carries the hash of itself.

    What cannot be known now is left as it is: the volume while the spec is invalid, the way out while it is not known
    where the venue is.
    """
    inputs = (
        observed.bot.uid,
        observed.spec,
        observed.venues,
        observed.token_fingerprint,
        observed.operator_namespace,
        observed.metrics_label,
        applied.config,
        applied.pod,
        replicas,
    )

    def render() -> tuple[Manifest, ...]:
        return tuple(seal_manifest(manifest) for manifest in _family(observed, applied, replicas))

    return observed.memo.once("family", inputs, render)


def _family(observed: Observed, applied: Applied, replicas: int) -> Iterator[Manifest]:
    bot = observed.bot
    yield render_service_account(bot)
    yield render_config_map(bot, applied, token_fingerprint=observed.token_fingerprint)
    if isinstance(observed.spec, TradingBotSpec):
        yield render_volume_claim(bot, observed.spec.storage)
    yield render_service(bot)
    if not isinstance(observed.venues, Missing):
        yield render_network_policy(
            bot,
            connector=applied.config.market.connector,
            venues=observed.venues,
            operator_namespace=observed.operator_namespace,
            metrics_label=observed.metrics_label,
        )
    yield render_stateful_set(bot, applied, replicas=replicas)
