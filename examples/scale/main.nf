#!/usr/bin/env nextflow
// Map slides, `params.parts` jobs of them, and put the parts together.
//
//     nextflow run main.nf --slides /data/slides --out /data/maps --parts 50
//
// Each job writes into its own folder of `out`, so that a job that is begun again goes on where it was.

params.slides = null
params.out = null
params.parts = 10
params.threads = 2

process MAP {
    tag "part ${part}/${params.parts}"
    cpus params.threads
    memory '4 GB'
    errorStrategy 'retry'
    maxRetries 1

    input:
    val part

    output:
    val part

    // Exit code 1 says that something was left out, which is in errors.csv: no reason to call the job failed.
    script:
    """
    cancernet slide '${params.slides}' --out '${params.out}' --shard ${part}/${params.parts} --threads ${task.cpus} \
        || [ \$? -eq 1 ]
    """
}

process GATHER {
    memory '1 GB'

    input:
    val parts

    script:
    """
    cancernet gather '${params.out}' || [ \$? -eq 1 ]
    """
}

workflow {
    if (!params.slides || !params.out) error "say --slides and --out, absolute paths"
    MAP(Channel.of(1..params.parts)) | collect | GATHER
}
