using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/OtoMask.Bench -- --filter '*LogMel*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
