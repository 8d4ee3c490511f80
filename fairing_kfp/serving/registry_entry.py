"""The entry that a serve step writes into the Model Registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fairing_kfp.errors import ModelRegistryError
from fairing_kfp.serving.model_registry import Registered, model_registry
from fairing_kfp.serving.registration import ModelVersion, Registration
from fairing_kfp.serving.spec import ServingSpec


@dataclass(frozen=True)
class RegistryEntry:
    """The entry.

    Attributes:
        registration: names the registry.
        version: the version to be registered.
        ca: additional CA certificates (PEM).
    """

    registration: Registration
    version: ModelVersion
    ca: str

    @classmethod
    def of_step(
        cls, spec: ServingSpec, executor_input: Mapping[str, Any], *, image: str, uri: str, namespace: str
    ) -> RegistryEntry | None:
        """The entry of a step; None if its spec has none.

        Args:
            spec: the step's spec.
            executor_input: KFP's ExecutorInput.
            image: image by digest; empty for a model format.
            uri: URI of a model that KServe loads.
            namespace: namespace of the step.
        """
        if spec.register is None:
            return None
        version = ModelVersion.of_step(
            spec.register, executor_input, image=image, uri=uri, model_format=spec.model_format, namespace=namespace
        )
        return cls(spec.register, version, spec.ca)

    def check(self) -> None:
        """Checks that the version can be registered, before it is rolled out.

        Raises:
            ModelRegistryError: the version has another URI, or the registry does not answer.
        """
        with model_registry(self.registration, self.ca) as registry:
            registry.find(self.version)

    def write(self, name: str, endpoint: str, log: Callable[[str], None]) -> Registered:
        """Registers the version, which serves already and keeps serving whatever happens.

        Args:
            name: name of the served model.
            endpoint: its URL.
            log: called with a line for the step's log.

        Raises:
            ModelRegistryError: the registry does not accept the version, or does not answer.
        """
        version = replace(self.version, properties={**self.version.properties, "endpoint": endpoint})
        try:
            with model_registry(self.registration, self.ca) as registry:
                made = registry.register(version)
        except ModelRegistryError as error:
            raise ModelRegistryError(
                f"{name} serves at {endpoint}, but is not registered: {error.message}",
                f"{error.remedy}; then run the step again, which changes nothing else",
                status=error.status,
            ) from error
        state = "is registered" if made.created else "was registered already"
        log(f"version {made.version} of {made.model} {state} in the Model Registry")
        return made
