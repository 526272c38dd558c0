#!/usr/bin/env nextflow
// Map a folder of slides in `parts` jobs, and put the parts together.
//
//     nextflow run main.nf --slides /data/slides --out /data/maps --parts 50
//
// A job writes into its own folder in `out`, not into Nextflow's: one that is begun again goes on where it was.

params.slides = null
params.out = null
params.parts = 10
params.threads = 2

// What a shell takes as one word, whatever is in it.
def quoted(text) {
    return "'" + text.toString().replace("'", "'\\''") + "'"
}

process MAP {
    tag "part ${part}"
    cpus { params.threads as int }
    memory '4 GB'
    errorStrategy 'retry'
    maxRetries 2
    cache false // CancerNet knows what is done, and sees slides that came or changed since

    input:
    val part

    output:
    val part

    // Exit code 1 says that something was left out, which is in errors.csv: no reason to call the job failed.
    script:
    """
    cancernet slide ${quoted(params.slides)} --out ${quoted(params.out)} --shard ${part}/${params.parts} \
        --threads ${task.cpus} || [ \$? -eq 1 ]
    """
}

process GATHER {
    memory '1 GB'
    cache false

    input:
    val parts // all of them: it waits for the last

    script:
    """
    cancernet gather ${quoted(params.out)} || [ \$? -eq 1 ]
    """
}

workflow {
    if (!"${params.slides}".startsWith('/') || !"${params.out}".startsWith('/')) {
        error("say --slides and --out, absolute paths")
    }
    MAP(channel.fromList((1..(params.parts as int)).toList()))
    GATHER(MAP.out.collect())
}
