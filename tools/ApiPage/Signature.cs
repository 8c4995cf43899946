using System.Reflection;

namespace OtoMask.ApiPage;

/// <summary>Declarations as C# writes them, and the names by which XML documentation knows them.</summary>
internal static class Signature
{
    private static readonly NullabilityInfoContext Nullability = new();

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(uint)] = "uint",
        [typeof(ulong)] = "ulong",
        [typeof(byte)] = "byte",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(object)] = "object",
    };

    private static readonly Dictionary<string, string> Operators = new() { ["op_Addition"] = "+", ["op_Subtraction"] = "-", ["op_Multiply"] = "*", ["op_Division"] = "/" };

    public static string Of(Type type) => type switch
    {
        { IsEnum: true } => $"enum {type.Name}",
        _ when type.IsSubclassOf(typeof(Delegate)) => $"delegate {Of(type.GetMethod("Invoke")!).Replace("Invoke(", $"{type.Name}(")}",
        { IsAbstract: true, IsSealed: true } => $"static class {type.Name}",
        _ when type.GetMethod("<Clone>$") is not null => $"record {type.Name}{Head(type)}",
        { IsValueType: true } when Positional(type) is not null => $"record struct {type.Name}{Head(type)}",
        { IsValueType: true } => $"struct {type.Name}",
        { IsInterface: true } => $"interface {type.Name}",
        { IsAbstract: true } => $"abstract class {type.Name}",
        _ => $"class {type.Name}",
    };

    /// <summary>The constructor of what a record declares in its head, where it declares something there.</summary>
    public static ConstructorInfo? Positional(Type type) => type.GetConstructors().FirstOrDefault(constructor => constructor.GetParameters() is { Length: > 0 } head
        && head.All(parameter => type.GetProperty(parameter.Name!)?.PropertyType == parameter.ParameterType));

    public static string Of(MemberInfo member) => member switch
    {
        PropertyInfo property when property.GetIndexParameters() is { Length: > 0 } index => $"{Name(property.PropertyType, Nullability.Create(property))} this[{Of(index)}]",
        PropertyInfo property => $"{Name(property.PropertyType, Nullability.Create(property))} {property.Name}",
        FieldInfo { DeclaringType.IsEnum: true } value => value.Name,
        FieldInfo { IsLiteral: true } constant => $"const {Name(constant.FieldType)} {constant.Name} = {constant.GetRawConstantValue()}",
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        ConstructorInfo constructor => $"new {constructor.DeclaringType!.Name}({Of(constructor.GetParameters())})",
        MethodInfo { Name: "op_Implicit" } conversion => $"implicit operator {Name(conversion.ReturnType)}({Of(conversion.GetParameters())})",
        MethodInfo method => $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType, Nullability.Create(method.ReturnParameter))} {NameOf(method)}({Of(method.GetParameters())})",
        _ => throw new ArgumentException($"{member} is of no kind that the page shows"),
    };

    /// <summary>The name of a member in XML documentation, for example <c>M:OtoMask.Encoder.Load(System.String)</c>.</summary>
    public static string Id(MemberInfo member) => member switch
    {
        Type type => $"T:{type.FullName}",
        PropertyInfo property => $"P:{property.DeclaringType!.FullName}.{property.Name}{IdNames(property.GetIndexParameters())}",
        FieldInfo field => $"F:{field.DeclaringType!.FullName}.{field.Name}",
        MethodBase method => $"M:{method.DeclaringType!.FullName}.{IdName(method)}{IdNames(method.GetParameters())}{(method is MethodInfo { Name: "op_Implicit" } conversion ? $"~{IdName(conversion.ReturnType)}" : "")}",
        _ => throw new ArgumentException($"{member} is of no kind that the page shows"),
    };

    private static string Head(Type record) => Positional(record) is { } head ? $"({Of(head.GetParameters())})" : "";

    private static string Of(IEnumerable<ParameterInfo> parameters) => string.Join(", ", parameters.Select(Of));

    private static string Of(ParameterInfo parameter)
    {
        string kind = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : parameter.IsIn ? "in " : parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "";
        string value = !parameter.HasDefaultValue ? ""
            : parameter.ParameterType.IsEnum ? $" = {parameter.ParameterType.Name}.{Enum.ToObject(parameter.ParameterType, parameter.RawDefaultValue!)}"
            : $" = {(parameter.RawDefaultValue is string text ? $"\"{text}\"" : parameter.RawDefaultValue ?? (parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null"))}";
        return $"{kind}{Name(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{value}";
    }

    private static string NameOf(MethodInfo method) => method switch
    {
        _ when Operators.TryGetValue(method.Name, out string? sign) => $"operator {sign}",
        { IsGenericMethod: true } => $"{method.Name}<{string.Join(", ", method.GetGenericArguments().Select(Name))}>",
        _ => method.Name,
    };

    private static string Name(Type type, NullabilityInfo nullability) =>
        Name(type) + (nullability.ReadState == NullabilityState.Nullable && !type.IsValueType ? "?" : "");

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!);
        if (Nullable.GetUnderlyingType(type) is { } value)
            return $"{Name(value)}?";
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsGenericType && type.Name.StartsWith("ValueTuple`", StringComparison.Ordinal))
            return $"({string.Join(", ", type.GenericTypeArguments.Select(Name))})";
        if (type.IsGenericType)
            return $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GenericTypeArguments.Select(Name))}>";
        return Keywords.GetValueOrDefault(type, type.Name);
    }

    private static string IdNames(ParameterInfo[] parameters) => parameters.Length == 0 ? "" : $"({string.Join(',', parameters.Select(parameter => IdName(parameter.ParameterType)))})";

    private static string IdName(MethodBase method) => method.IsConstructor ? "#ctor" : method.IsGenericMethod ? $"{method.Name}``{method.GetGenericArguments().Length}" : method.Name;

    private static string IdName(Type type)
    {
        if (type.IsGenericMethodParameter)
            return $"``{type.GenericParameterPosition}";
        if (type.IsByRef)
            return $"{IdName(type.GetElementType()!)}@";
        if (type.IsArray)
            return $"{IdName(type.GetElementType()!)}[]";
        if (type.IsGenericType)
            return $"{type.Namespace}.{type.Name[..type.Name.IndexOf('`')]}{{{string.Join(',', type.GenericTypeArguments.Select(IdName))}}}";
        return type.FullName!;
    }
}
