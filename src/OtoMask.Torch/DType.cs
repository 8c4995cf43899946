namespace OtoMask.Torch;

/// <summary>Element types, numbered as libtorch numbers them (c10::ScalarType).</summary>
public enum DType
{
    /// <summary>Unsigned 8-bit integer.</summary>
    UInt8 = 0,

    /// <summary>Signed 64-bit integer, the type of ids.</summary>
    Int64 = 4,

    /// <summary>IEEE half precision.</summary>
    Float16 = 5,

    /// <summary>Single precision, the type of weights and activations.</summary>
    Float32 = 6,

    /// <summary>Double precision.</summary>
    Float64 = 7,

    /// <summary>Truth values.</summary>
    Bool = 11,

    /// <summary>bfloat16: the range of float32 with 8 bits of precision.</summary>
    BFloat16 = 15,
}
