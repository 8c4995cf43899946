using System.Reflection;
using OtoMask.Tests.Devices;
using Xunit.Abstractions;
using Xunit.Sdk;

if (args is not [string device])
{
    Console.Error.WriteLine("OtoMask.FixtureRun DEVICE");
    return 2;
}
Environment.SetEnvironmentVariable(TestDevice.Variable, device);

var results = new Results();
AssemblyName tests = Assembly.GetExecutingAssembly().GetName();
using (var framework = new XunitTestFramework(results))
using (ITestFrameworkExecutor executor = framework.GetExecutor(tests))
{
    executor.RunAll(results, new Defaults(), new Defaults());
    results.Wait();
}
Console.WriteLine($"{results.Passed} passed, {results.Failed} failed, {results.Skipped} skipped");
return results.Failed == 0 && results.Passed > 0 ? 0 : 1;

/// <summary>Counts tests as they end, and tells those that failed.</summary>
internal sealed class Results : LongLivedMarshalByRefObject, IMessageSink
{
    private readonly ManualResetEventSlim ended = new();

    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    public void Wait() => ended.Wait();

    public bool OnMessage(IMessageSinkMessage message)
    {
        lock (ended)
        {
            switch (message)
            {
                case ITestPassed:
                    Passed++;
                    break;
                case ITestSkipped:
                    Skipped++;
                    break;
                case ITestFailed failed:
                    Tell(failed.Test.DisplayName, failed);
                    break;
                case IErrorMessage error: // outside any test
                    Tell("the tests", error);
                    break;
                case ITestAssemblyFinished:
                    ended.Set();
                    break;
            }
        }
        return true;
    }

    private void Tell(string name, IFailureInformation failure)
    {
        Failed++;
        Console.WriteLine($"FAILED {name}\n  {failure.Messages.FirstOrDefault()}");
    }
}

/// <summary>The options of a run of tests, none of them set.</summary>
internal sealed class Defaults : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
{
    public TValue? GetValue<TValue>(string name) => default;

    public void SetValue<TValue>(string name, TValue value) => throw new NotSupportedException(name);
}
