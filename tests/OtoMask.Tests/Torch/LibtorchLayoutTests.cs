using OtoMask.Tests.App;

namespace OtoMask.Tests.Torch;

/// <summary>The libtorch that <c>LIBTORCH</c> names: laid out as pip installs PyTorch (imitated from Debian's package, for no wheel can be had here), or not one at all.</summary>
public sealed class LibtorchLayoutTests : IDisposable
{
    private const string Libraries = "/usr/lib/x86_64-linux-gnu";
    private readonly AppFolder folder = new(); // with a space in its name

    private string Home => folder.Inside("site-packages/torch");

    public void Dispose() => folder.Dispose();

    /// <summary>Takes a minute: it compiles the whole bridge, without optimisation. Of CUDA there is a library that tells that it was loaded, for nothing in it is called.</summary>
    [Fact]
    public void The_bridge_is_built_against_a_PyTorch_from_pip_and_runs()
    {
        LayOut();
        string loaded = folder.Inside("cuda-was-loaded");
        foreach (string library in (string[])["torch_cuda", "c10_cuda"])
        {
            File.WriteAllText(folder.Inside($"{library}.c"), $$"""
                #include <stdio.h>
                __attribute__((constructor)) static void tell(void) { FILE* file = fopen("{{loaded}}", "a"); fputs("{{library}}\n", file); fclose(file); }
                """);
            AppResult compiled = AppProcess.RunProgram("cc", ["-shared", "-fPIC", folder.Inside($"{library}.c"), "-o", Path.Combine(Home, $"lib/lib{library}.so"), $"-Wl,-soname,lib{library}.so"], _ => { });
            Assert.True(compiled.ExitCode == 0, compiled.Error);
        }
        AppResult configured = Configure("-DCMAKE_BUILD_TYPE=Debug");
        Assert.True(configured.ExitCode == 0, configured.Error);
        string link = File.ReadAllText(folder.Inside("build/CMakeFiles/otomask.dir/link.txt"));
        Assert.All((string[])["libtorch.so", "libtorch_cpu.so", "libc10.so", "libgomp-a34b3233.so.1"], library => Assert.Contains($"{Home}/lib/{library}", link));
        AppResult built = AppProcess.RunProgram("cmake", ["--build", folder.Inside("build"), "-j", "2"], _ => { });
        Assert.True(built.ExitCode == 0, built.Error);

        string program = Directory.CreateDirectory(folder.Inside("program")).FullName;
        foreach (string file in Directory.GetFiles(AppContext.BaseDirectory).Where(file => Path.GetFileName(file) != "libotomask.so"))
            File.CreateSymbolicLink(Path.Combine(program, Path.GetFileName(file)), file);
        // .NET looks for what lies beside the program where the program truly is.
        File.Delete(Path.Combine(program, "OtoMask.App.dll"));
        File.Delete(Path.Combine(program, "OtoMask.Torch.dll"));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "OtoMask.App.dll"), Path.Combine(program, "OtoMask.App.dll"));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "OtoMask.Torch.dll"), Path.Combine(program, "OtoMask.Torch.dll"));
        File.Move(folder.Inside("build/libotomask.so"), Path.Combine(program, "libotomask.so"));
        AppResult told = AppProcess.RunProgram("dotnet", [Path.Combine(program, "OtoMask.App.dll"), "doctor"], _ => { });
        Assert.Equal((0, ""), (told.ExitCode, told.Error));
        Assert.Contains("GEMM fp32", told.Output);
        Assert.Equal(["c10_cuda", "torch_cuda"], File.ReadAllLines(loaded).Order());
    }

    [Fact]
    public void Headers_alone_and_libraries_alone_are_told_in_one_line()
    {
        LayOut();
        AssertRefused(folder.Inside("nothing"), "has no header torch/version.h");

        Directory.Delete(Path.Combine(Home, "lib"), recursive: true);
        AssertRefused(Home, "has no libtorch.so");

        LayOut();
        Directory.Delete(Path.Combine(Home, "include"), recursive: true); // as in packages for programs that are built already
        AssertRefused(Home, "has no header torch/version.h");
    }

    [Fact]
    public void Libraries_of_another_ABI_than_the_compiler_makes_are_told_in_one_line()
    {
        LayOut();
        File.Delete(Path.Combine(Home, "lib/libc10.so"));
        File.CreateSymbolicLink(Path.Combine(Home, "lib/libc10.so"), Path.Combine(AppContext.BaseDirectory, "libonnxruntime.so")); // some library, without what the headers declare
        AssertRefused(Home, "fits neither C++ ABI of this compiler");
    }

    private void LayOut()
    {
        Directory.CreateDirectory(Home);
        string include = Directory.CreateDirectory(Path.Combine(Home, "include")).FullName, lib = Directory.CreateDirectory(Path.Combine(Home, "lib")).FullName;
        foreach (string headers in (string[])["ATen", "c10", "caffe2", "torch"])
            Link(Path.Combine("/usr/include", headers), Path.Combine(include, headers));
        foreach (string library in (string[])["libtorch.so", "libtorch_cpu.so", "libc10.so"])
            Link(Path.Combine(Libraries, library), Path.Combine(lib, library));
        Link(Path.Combine(Libraries, "libgomp.so.1"), Path.Combine(lib, "libgomp-a34b3233.so.1")); // wheels bring OpenMP, under a name of its own

        static void Link(string target, string link)
        {
            if (!Path.Exists(link))
                File.CreateSymbolicLink(link, target);
        }
    }

    private void AssertRefused(string libtorch, string reason)
    {
        AppResult refused = Configure("-DCMAKE_BUILD_TYPE=Debug", libtorch);
        Assert.NotEqual(0, refused.ExitCode);
        string line = Assert.Single(refused.Error.Split('\n'), line => line.StartsWith("libtorch : error LIBTORCH: ", StringComparison.Ordinal));
        Assert.Contains($"LIBTORCH={libtorch} {reason}", line);
        Assert.Contains("set it to", line);
    }

    private AppResult Configure(string setting, string? libtorch = null) => AppProcess.RunProgram(
        "cmake", ["-S", Path.Combine(Repository.Root, "native"), "-B", folder.Inside("build"), setting], start => start.Environment["LIBTORCH"] = libtorch ?? Home);
}
