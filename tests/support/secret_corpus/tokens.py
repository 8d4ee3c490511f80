# ruff: noqa: E501 - one recipe a line
"""Tokens and keys of issuers, each in the form that its issuer publishes."""

from __future__ import annotations

from tests.support.secret_corpus.case import ALNUM, BASE64, HEX, LOWER, UPPER, URL_SAFE, jwt, rnd


def tokens() -> dict[str, str]:
    """Made-up tokens by issuer."""
    made = {label: prefix + rnd(label, length, alphabet) for label, (prefix, length, alphabet) in _PREFIXED.items()}
    return made | {
        "slack bot": f"xoxb-{rnd('s1', 12, '123456789')}-{rnd('s2', 12, '123456789')}-{rnd('s3', 24)}",
        "slack app": f"xapp-1-A{rnd('s4', 10, UPPER)}-{rnd('s5', 12, '123456789')}-{rnd('s6', 64, HEX)}",
        "slack webhook": f"https://hooks.slack.com/services/T{rnd('s7', 8, UPPER)}/B{rnd('s8', 10, UPPER)}/{rnd('s9', 24)}",
        "discord webhook": f"https://discord.com/api/webhooks/{rnd('d1', 18, '123456789')}/{rnd('d2', 68, URL_SAFE)}",
        "sendgrid": f"SG.{rnd('g1', 22, URL_SAFE)}.{rnd('g2', 43, URL_SAFE)}",
        "telegram": f"{rnd('t1', 10, '123456789')}:AA{rnd('t2', 33, URL_SAFE)}",
        "mailchimp": f"{rnd('m1', 32, HEX)}-us12",
        "terraform": f"{rnd('tf', 14)}.atlasv1.{rnd('tf2', 67, URL_SAFE)}",
        "vault": f"hvs.{rnd('v', 90, URL_SAFE)}",
        "airtable": f"pat{rnd('at', 14)}.{rnd('at2', 64, HEX)}",
        "azure client secret": f"{rnd('az', 3)}8Q~{rnd('az2', 34, URL_SAFE)}",
        "jwt": jwt("a"),
        "langfuse": f"sk-lf-{rnd('l', 8, HEX)}-{rnd('l2', 4, HEX)}-4{rnd('l3', 3, HEX)}-a{rnd('l4', 3, HEX)}-{rnd('l5', 12, HEX)}",
        "unknown issuer": f"acme_sk_live_{rnd('ui', 32)}",
    }


_PREFIXED = {
    "aws access key": ("AKIA", 16, UPPER),
    "aws temporary key": ("ASIA", 16, UPPER),
    "github classic": ("ghp_", 36, ALNUM),
    "github server": ("ghs_", 36, ALNUM),
    "github fine-grained": ("github_pat_11", 80, ALNUM),
    "gitlab personal": ("glpat-", 20, URL_SAFE),
    "gitlab deploy": ("gldt-", 20, URL_SAFE),
    "google api": ("AIzaSy", 33, URL_SAFE),
    "google client secret": ("GOCSPX-", 28, URL_SAFE),
    "google access token": ("ya29.", 120, URL_SAFE),
    "hugging face": ("hf_", 34, ALNUM),
    "openai project": ("sk-proj-", 120, URL_SAFE),
    "openai classic": ("sk-", 48, ALNUM),
    "anthropic": ("sk-ant-api03-", 93, URL_SAFE),
    "groq": ("gsk_", 52, ALNUM),
    "replicate": ("r8_", 37, ALNUM),
    "xai": ("xai-", 80, ALNUM),
    "perplexity": ("pplx-", 48, ALNUM),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", 150, URL_SAFE),
    "npm": ("npm_", 36, ALNUM),
    "rubygems": ("rubygems_", 48, HEX),
    "docker hub": ("dckr_pat_", 27, URL_SAFE),
    "stripe": ("sk_live_", 24, ALNUM),
    "stripe webhook": ("whsec_", 32, ALNUM),
    "twilio": ("SK", 32, HEX),
    "shopify": ("shpat_", 32, HEX),
    "square": ("sq0atp-", 22, URL_SAFE),
    "databricks": ("dapi", 32, HEX),
    "digitalocean": ("dop_v1_", 64, HEX),
    "grafana": ("glsa_", 41, ALNUM),
    "new relic": ("NRAK-", 27, UPPER),
    "sentry": ("sntrys_", 80, BASE64),
    "notion": ("ntn_", 46, ALNUM),
    "linear": ("lin_api_", 40, ALNUM),
    "figma": ("figd_", 40, URL_SAFE),
    "doppler": ("dp.pt.", 43, ALNUM),
    "planetscale": ("pscale_tkn_", 43, URL_SAFE),
    "pinecone": ("pcsk_", 60, ALNUM),
    "prefect": ("pnu_", 36, ALNUM),
    "sonarqube": ("squ_", 40, HEX),
    "netlify": ("nfp_", 40, ALNUM),
    "alibaba": ("LTAI5t", 18, ALNUM),
    "cloudflare": ("cfut_", 48, ALNUM),
    "1password": ("ops_eyJ", 250, ALNUM),
    "atlassian": ("ATATT3xFfGF0", 170, URL_SAFE),
    "facebook": ("EAAM", 150, ALNUM),
    "heroku": ("HRKU-", 60, URL_SAFE),
    "posthog": ("phx_", 43, ALNUM),
    "sourcegraph": ("sgp_", 40, HEX),
    "dynatrace": ("dt0c01.", 90, UPPER),
    "dropbox": ("sl.", 135, URL_SAFE),
    "age": ("AGE-SECRET-" + "KEY-1", 58, UPPER),
    "mailgun": ("key-", 32, LOWER[:0] + HEX),
}
