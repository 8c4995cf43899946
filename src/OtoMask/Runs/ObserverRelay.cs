using OtoMask.Models;

namespace OtoMask.Runs;

/// <summary>Passes on what a run tells. Who listens to some of it derives from here: the interface's default methods would swallow what is not passed on.</summary>
/// <param name="observer">Is told everything.</param>
internal abstract class ObserverRelay(ITrainingObserver observer) : ITrainingObserver
{
    public void Stage(string name) => observer.Stage(name);

    public void Progress(double share) => observer.Progress(share);

    public void Choice(PrecisionChoice choice) => observer.Choice(choice);

    public void Estimate(RunEstimate estimate) => observer.Estimate(estimate);

    public virtual void Step(StepRecord step, long totalSteps) => observer.Step(step, totalSteps);

    public void Evaluation(EvaluationRecord evaluation) => observer.Evaluation(evaluation);

    public void Note(string message) => observer.Note(message);

    public virtual void Warning(string message) => observer.Warning(message);

    public void End(RunSummary run) => observer.End(run);
}
