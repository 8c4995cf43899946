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
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(object)] = "object",
    };

    public static string Of(Type type) => type switch
    {
        { IsEnum: true } => $"enum {type.Name}",
        { IsAbstract: true, IsSealed: true } => $"static class {type.Name}",
        _ when type.GetMethod("<Clone>$") is not null => $"record {type.Name}",
        { IsValueType: true } => $"struct {type.Name}",
        { IsInterface: true } => $"interface {type.Name}",
        { IsAbstract: true } => $"abstract class {type.Name}",
        _ => $"class {type.Name}",
    };

    public static string Of(MemberInfo member) => member switch
    {
        PropertyInfo property => $"{Name(property.PropertyType, Nullability.Create(property))} {property.Name}",
        FieldInfo { DeclaringType.IsEnum: true } value => value.Name,
        FieldInfo { IsLiteral: true } constant => $"const {Name(constant.FieldType)} {constant.Name} = {constant.GetRawConstantValue()}",
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        MethodInfo method => $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)} {method.Name}({string.Join(", ", method.GetParameters().Select(Of))})",
        _ => throw new ArgumentException($"{member} is of no kind that the page shows"),
    };

    /// <summary>The name of a member in XML documentation, for example <c>M:OtoMask.Encoder.Load(System.String)</c>.</summary>
    public static string Id(MemberInfo member) => member switch
    {
        Type type => $"T:{type.FullName}",
        PropertyInfo property => $"P:{property.DeclaringType!.FullName}.{property.Name}",
        FieldInfo field => $"F:{field.DeclaringType!.FullName}.{field.Name}",
        MethodInfo method when method.GetParameters() is { Length: > 0 } parameters =>
            $"M:{method.DeclaringType!.FullName}.{method.Name}({string.Join(',', parameters.Select(parameter => IdName(parameter.ParameterType)))})",
        _ => $"M:{member.DeclaringType!.FullName}.{member.Name}",
    };

    private static string Of(ParameterInfo parameter)
    {
        string kind = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : parameter.IsIn ? "in " : parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "";
        string value = !parameter.HasDefaultValue ? ""
            : parameter.ParameterType.IsEnum ? $" = {parameter.ParameterType.Name}.{Enum.ToObject(parameter.ParameterType, parameter.RawDefaultValue!)}"
            : $" = {(parameter.RawDefaultValue is string text ? $"\"{text}\"" : parameter.RawDefaultValue ?? (parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null"))}";
        return $"{kind}{Name(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{value}";
    }

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
        if (type.IsGenericType)
            return $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GenericTypeArguments.Select(Name))}>";
        return Keywords.GetValueOrDefault(type, type.Name);
    }

    private static string IdName(Type type)
    {
        if (type.IsByRef)
            return $"{IdName(type.GetElementType()!)}@";
        if (type.IsArray)
            return $"{IdName(type.GetElementType()!)}[]";
        if (type.IsGenericType)
            return $"{type.Namespace}.{type.Name[..type.Name.IndexOf('`')]}{{{string.Join(',', type.GenericTypeArguments.Select(IdName))}}}";
        return type.FullName!;
    }
}
