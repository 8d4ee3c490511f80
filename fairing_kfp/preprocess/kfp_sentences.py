"""The table of kfp's sentences: patterns, and what is said instead."""

from __future__ import annotations

from typing import NamedTuple

TYPES = {
    "String": "str",
    "STRING": "str",
    "Integer": "int",
    "NUMBER_INTEGER": "int",
    "Float": "float",
    "NUMBER_DOUBLE": "float",
    "Boolean": "bool",
    "BOOLEAN": "bool",
    "List": "list",
    "LIST": "list",
    "Dict": "dict",
    "STRUCT": "dict",
}
"""Python's names of kfp's types of parameters, which have two names each."""

SUPPORTED = "str, int, float, bool, list, dict, or an artifact: dsl.Input[dsl.Dataset], dsl.Output[dsl.Dataset]"
"""What a parameter can be annotated with, for remedies."""

_LATER = (
    "its value is known only when the pipeline runs: compute it in a component, compare it in dsl.If, "
    "or loop over it with dsl.ParallelFor"
)


class Sentence(NamedTuple):
    """A sentence of kfp: a pattern, whose groups the message and the remedy refer to."""

    pattern: str
    message: str
    remedy: str


SENTENCES = (
    Sentence(
        r"Components must be instantiated using keyword arguments.*component \"(.+?)\"",
        "{0} is called with arguments by position, and kfp takes them by name only",
        "name each argument: {0}(NAME=VALUE)",
    ),
    Sentence(
        r"(\S+)\(\) got an unexpected keyword argument \"(.+?)\"",
        "{0} has no parameter {1!r}",
        "use the names of its parameters; outputs are not passed",
    ),
    Sentence(r"(\S+)\(\) missing \d+ required arguments?: (.+?)\.$", "{0} needs a value for {1}", "add {1}=VALUE"),
    Sentence(
        r"Incompatible argument passed to the input '(.+?)' of component '(.+?)': "
        r"Argument type '(.+?)' is incompatible with the input type '(.+?)'",
        "{1}: the parameter {0} takes {3:type}, and gets {2:type}",
        "pass {3:wanted}, or change the annotation of {0}",
    ),
    Sentence(
        r"Incompatible return type provided for output of pipeline '(.+?)'. "
        r"Output of type '(.+?)' cannot be surfaced as pipeline output type '(.+?)'",
        "it returns {1:type}, and is annotated to return {2:type}",
        "annotate it to return {1:type}",
    ),
    Sentence(
        r"Constant argument inputs must be one of type .* Got: <kfp\.dsl\.pipeline_task\.PipelineTask",
        "a task is passed as an argument instead of its output",
        'pass its output: task.output, or task.outputs["NAME"]',
    ),
    Sentence(
        r"Constant argument inputs must be one of type .* Got: (.+?) of type <class '(.+?)'>",
        "the argument {0} is of the type {1}, which kfp does not pass",
        "pass str, int, float, bool, list or dict",
    ),
    Sentence(
        r"Value must be one of the following types: .*Got: \"(.+?)\" of type \"<class '(.+?)'>\"",
        "a list or dictionary contains {0}, of the type {1}, which kfp does not pass",
        "use str, int, float, bool, list and dict in it, and leave out keys without a value",
    ),
    Sentence(
        r"Input artifacts are not supported\. Got input artifact of type '(.+?)'",
        "an artifact of the type {0} is made in the pipeline and passed as an argument",
        "pass the output of a task, or import a file by dsl.importer",
    ),
    Sentence(
        r"The task has multiple outputs\.",
        "`.output` is used of a task with no output, or with several",
        'name the output: task.outputs["NAME"]; a component without a return type has none',
    ),
    Sentence(r"Task is missing from pipeline\.", "it has no task", "call a component in it"),
    Sentence(
        r"(?:Got constant boolean (\w+) as a condition|'bool' object has no attribute 'left_operand')",
        "the condition of dsl.If or dsl.Elif is a plain boolean",
        "compare an output of a task or a parameter of the pipeline; for a constant, use Python's own if",
    ),
    Sentence(
        r".*'?(?:Pipeline(?:Parameter|Artifact)Channel|Loop(?:Parameter|Artifact)?Argument(?:Variable)?|OneOfParameter)"
        r"\b.*",
        "Python code uses an output, a parameter or a loop item as a value: {0}",
        _LATER,
    ),
    Sentence(
        r"Cannot iterate over a single (parameter|artifact) using `dsl\.ParallelFor`",
        "dsl.ParallelFor gets a single {0}, not a list",
        "give it a list, a parameter annotated `list`, or the output of a component that returns one",
    ),
    Sentence(
        r"object of type '(int|float|bool|NoneType)' has no len\(\)",
        "dsl.ParallelFor gets a value of the type {0}, not a list",
        "give it a list, such as list(range(3)), or the output of a component that returns one",
    ),
    Sentence(
        r"dsl\.importer\(download_to_workspace=True\) requires|Workspace features are used",
        "a task uses a workspace, and the pipeline has none",
        "add it: @dsl.pipeline(pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size='1Gi')))",
    ),
    Sentence(r"Got an empty item list for loop", "dsl.ParallelFor gets an empty list", "give it at least one item"),
    Sentence(
        r"Illegal task dependency .* within a dsl\.ParallelFor context.* "
        r"Found task (\S+) which depends on upstream task (\S+)",
        "the task {0} uses an output of {1} outside of its loop",
        "use it within the loop, or collect the outputs of all items: dsl.Collected({1}_task.output)",
    ),
    Sentence(
        r"Illegal task dependency .* within a dsl\.(\w+) context.* "
        r"Found task (\S+) which depends on upstream task (\S+)",
        "the task {1} uses an output of {2}, which runs only under a condition (dsl.{0})",
        "use it within the condition, or add dsl.Else and choose by dsl.OneOf(…)",
    ),
    Sentence(
        r"component_input_(?:parameter|artifact): pipelinechannel--(\S+) not found",
        "the value {0} of a loop, a condition or another pipeline is used outside of it",
        "use it within its `with` block",
    ),
    Sentence(
        r"'TasksGroup' object has no attribute 'name'|dsl\.OneOf must include an output from a task in a dsl\.Else",
        "dsl.OneOf has no output of a dsl.Else branch, so there may be none to choose",
        "add dsl.Else with a task that has the output",
    ),
    Sentence(
        r"Missing type annotation for argument: (\w+)",
        "the parameter {0} has no type",
        f"annotate it: {{0}}: str; possible are {SUPPORTED}",
    ),
    Sentence(
        r"Artifacts must have both a schema_title and a schema_version.*Got: (.+)",
        "the type {0} is neither a type of parameters nor an artifact",
        f"annotate with {SUPPORTED}",
    ),
    Sentence(
        r"Artifact schema_(?:title|version) must .*Got: (.+)",
        "the artifact type {0} has no valid schema_title or schema_version",
        'derive it from dsl.Artifact, with schema_title = "system.NAME" and schema_version = "0.0.1"',
    ),
    Sentence(
        r"\"Output\" is an invalid parameter name", "a parameter has the name Output, which kfp reserves", "rename it"
    ),
    Sentence(
        r"Pipeline or component output not defined: (\S+)\. You may be missing a type annotation",
        "it returns the output {0}, and its return type does not declare it",
        "annotate what it returns, such as `-> float` or `-> dsl.Model`",
    ),
    Sentence(
        r"Missing pipeline output: (\S+)\.",
        "it does not return the output {0}, which its return type declares",
        "return the output of a task, or remove the return type",
    ),
    Sentence(
        r"Got unknown pipeline output, <kfp\.dsl\.pipeline_task\.PipelineTask",
        "it returns a task instead of its output",
        'return task.output, or task.outputs["NAME"]',
    ),
    Sentence(
        r"Got unknown pipeline output, (.+?), of type",
        "it returns {0}, which is not an output of a task",
        "return the output of a task: what a pipeline returns is known only when it runs",
    ),
    Sentence(
        r"Pipeline outputs may only be returned from the top level .*dsl\.(\w+)",
        "it returns an output of a task in dsl.{0}, which may not run, or run several times",
        "return dsl.OneOf(…) of all branches, or dsl.Collected(…) of a loop",
    ),
    Sentence(
        r"PipelineTaskFinalStatus can only be used in an exit task\. Parameter (\S+)",
        "a task outside of dsl.ExitHandler has the parameter {0}: dsl.PipelineTaskFinalStatus",
        "make it the task of an exit handler: with dsl.ExitHandler(task): …",
    ),
    Sentence(
        r"ExitHandler can only be used within the outermost scope",
        "dsl.ExitHandler is within a condition or loop",
        "put it at the top level of the pipeline, and the condition or loop into it",
    ),
    Sentence(
        r"exit_task cannot depend on any other tasks",
        "the task of dsl.ExitHandler uses an output of another task, or runs after it",
        "pass it parameters of the pipeline and dsl.PipelineTaskFinalStatus only",
    ),
    Sentence(
        r"Conditional requires primitive parameter values.*input \"(?:pipelinechannel--)?(.+?)\" of type (\w+)",
        "a condition compares {0}, which is a {1:type}",
        "compare str, int, float or bool: let a component return what decides",
    ),
    Sentence(
        r"dsl\.(Elif|Else) can only be used following",
        "dsl.{0} does not follow dsl.If or dsl.Elif",
        "put it right after the `with dsl.If(…)` block, with no task between",
    ),
    Sentence(r"Invalid cpu string", "the number of CPUs is not valid", 'write "2", "0.5" or "500m", without a unit'),
    Sentence(r"Invalid memory string", "the size of memory is not valid", 'write it like "4G" or "512Mi"'),
    Sentence(r"limit must be a non-negative integer", "the number of accelerators is not valid", "write a number"),
    Sentence(r"Invalid duration string: '(.*?)'", "the duration {0!r} is not valid", 'write it like "30s" or "1 hour"'),
    Sentence(r"Unsupported duration unit: .* for '(.*?)'", "the duration {0!r} is not valid", 'write it like "30s"'),
    Sentence(
        r"PipelineTask\.after\(\) only supports .* Got (\w+)",
        "after() gets a {0}",
        "pass tasks: the results of calls of components",
    ),
    Sentence(
        r"(?:Default pipeline not defined|'NoneType' object has no attribute 'get_next_group_id')",
        "dsl.If, dsl.ParallelFor or dsl.ExitHandler is used outside of a pipeline",
        "use it in a function decorated with @dsl.pipeline",
    ),
    Sentence(
        r"Nested pipelines are not allowed",
        "a pipeline is defined in the function of another",
        "define it outside of that function, and call it there like a component",
    ),
    Sentence(
        r"Only letters, numbers, spaces, \"_\", and \"-\" are allowed in the name\..*Got name: (.+)",
        "kfp does not accept the name {0!r}",
        "use letters, digits and _, and begin with a letter",
    ),
    Sentence(
        r"Local environment not initialized",
        "a component of kfp is called outside of a pipeline",
        "call it in a function decorated with @dsl.pipeline",
    ),
    Sentence(
        r"bad argument type for built-in operation",
        "kfp expects text, and gets another type, such as a key of a dictionary or the value of a variable",
        'write it as text: {{"1": …}}, set_env_variable("N", "3")',
    ),
)
