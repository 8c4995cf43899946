using OtoMask.Runs;

namespace OtoMask.Studies;

/// <summary>Measures what an arm costs, somewhere where nothing else runs.</summary>
public interface IStudyCosts
{
    /// <summary>Trains a few steps of the cell's configuration and throws them away.</summary>
    StudyCost Measure(StudyCell cell, CancellationToken cancellation);
}

/// <summary>Is told how a study goes, beside what is told of every run.</summary>
public interface IStudyObserver : ITrainingObserver
{
    /// <summary>A cell begins.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="number">Its number, from 1.</param>
    /// <param name="all">Cells of the study, finished ones included.</param>
    void Begin(StudyCell cell, int number, int all);

    /// <summary>How far the whole study is, 0 .. 1, weighed by the time that cells take.</summary>
    void Overall(double share);

    /// <summary>A cell was probed on a task.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="task">Name of the task.</param>
    /// <param name="score">Mean over the probe seeds, in %.</param>
    void Scored(StudyCell cell, string task, double score);
}
