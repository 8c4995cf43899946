using OtoMask.Tests.App;

namespace OtoMask.Tests.Export;

/// <summary>ONNX's own checker: the schema of every operator, every name given before it is taken, and the sizes that follow.</summary>
internal static class OnnxChecker
{
    private const string Script = """
        import onnx, sys
        model = onnx.load(sys.argv[1])
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        for output in inferred.graph.output:
            print(output.name, [size.dim_param or size.dim_value for size in output.type.tensor_type.shape.dim])
        """;

    /// <summary>The checker finds nothing wrong, and these outputs, for example <c>clip ['batch', 160]</c>.</summary>
    public static void AssertContent(string path, params string[] outputs)
    {
        AppResult checker = PythonTheoryAttribute.Run(Script, path);
        Assert.Equal((0, string.Concat(outputs.Select(output => output + "\n")), ""), (checker.ExitCode, checker.Output, checker.Error));
    }
}
