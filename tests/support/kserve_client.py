"""KServe's client against our server: `kserve_client.py URL MODEL`, run by a Python with KServe.

It sends requests with KServe's client, and compares the server's routes and responses with the OpenAPI document and the
data models that KServe publishes for the Open Inference Protocol. It prints the differences as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

import httpx
import numpy as np
from fastapi import FastAPI
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest import v2_datamodels as models
from kserve.protocol.rest.v2_endpoints import register_v2_endpoints

ARRAY = np.array([[1.0, 2.0], [3.0, 4.5]], dtype=np.float32)


async def talk(url: str, model: str) -> dict:
    found = {}
    client = InferenceRESTClient(RESTConfig(protocol="v1", timeout=20))
    found["v1_live"] = await client.is_server_live(url)
    found["v1_ready"] = await client.is_model_ready(url, model)
    found["v1"] = await client.infer(url, {"instances": ARRAY.tolist()}, model_name=model)
    found["v1_explain"] = await client.explain(url, model, {"instances": ARRAY.tolist()})
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=20))
    found["v2_live"] = await client.is_server_live(url)
    found["v2_ready"] = await client.is_server_ready(url)
    found["v2_model_ready"] = await client.is_model_ready(url, model)
    found["v2_other_ready"] = await client.is_model_ready(url, "other")
    for name, binary in (("v2_json", False), ("v2_binary", True)):
        tensor = InferInput("x", list(ARRAY.shape), "FP32")
        tensor.set_data_from_numpy(ARRAY, binary_data=binary)
        parameters = {"binary_data_output": True} if binary else {}
        request = InferRequest(model, [tensor], request_id="42", parameters=parameters)
        answer = await client.infer(url, request, model_name=model)
        found[name] = [answer.id, answer.model_name, [one.as_numpy().tolist() for one in answer.outputs]]
    try:
        await client.infer(url, {"inputs": []}, model_name=model)
    except httpx.HTTPStatusError as error:
        found["v2_refused"] = [error.response.status_code, str(error)]
    return found


def compare(url: str, model: str) -> dict:
    """The routes of KServe that the server lacks, and the responses that do not match their schemas."""
    published = FastAPI()
    register_v2_endpoints(published, DataPlane(model_registry=None), None)
    wanted = {
        (path.replace("{model_name}", model).replace("{model_version}", "1"), method)
        for path, methods in published.openapi()["paths"].items()
        for method in methods
        if "/repository/" not in path  # another specification, of loading and unloading
    }
    own = httpx.get(f"{url}/openapi.json").json()
    document = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}
    answered = {
        ("/v2", models.ServerMetadataResponse),
        ("/v2/health/live", models.ServerLiveResponse),
        ("/v2/health/ready", models.ServerReadyResponse),
        ("/v2/models", models.ListModelsResponse),
        (f"/v2/models/{model}", models.ModelMetadataResponse),
        (f"/v2/models/{model}/ready", models.ModelReadyResponse),
    }
    for path, kind in answered:
        kind.model_validate(httpx.get(f"{url}{path}").raise_for_status().json())
    sent = {"id": "1", "inputs": [document]}
    models.InferenceRequest.model_validate(sent)
    answer = httpx.post(f"{url}/v2/models/{model}/infer", json=sent).raise_for_status().json()
    models.InferenceResponse.model_validate(answer)
    there = {(path, method) for path, methods in own["paths"].items() for method in methods}
    return {"published": len(wanted), "missing": sorted(wanted - there), "checked": len(answered) + 1}


if __name__ == "__main__":
    server, name = sys.argv[1:]
    print(json.dumps({"client": asyncio.run(talk(server, name)), "openapi": compare(server, name)}))
