using System.Reflection;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>Types and members in the words of C#, short enough to read in a difference.</summary>
internal static class Signatures
{
    public static string Of(Type type)
    {
        var kind =
            type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : type.IsValueType ? "struct"
            : type.IsAbstract && type.IsSealed ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class"
            : "class";
        var parent =
            type is { IsClass: true, BaseType: { } from } && from != typeof(object) ? " : " + Name(from) : "";
        return $"{kind} {type.Namespace}.{Name(type)}{parent}";
    }

    public static string Of(ConstructorInfo constructor) =>
        $"{Access(constructor)}new({Parameters(constructor)})";

    public static string Of(MethodInfo method)
    {
        var arguments = method.IsGenericMethod
            ? "<" + string.Join(", ", method.GetGenericArguments().Select(Name)) + ">"
            : "";
        return $"{Access(method)}{Static(method)}{Name(method.ReturnType)} {method.Name}{arguments}({Parameters(method)})";
    }

    public static string Of(PropertyInfo property)
    {
        // The widest access counts: an accessor that is narrower is not said.
        var widest = property.GetAccessors(nonPublic: true).MaxBy(static accessor => accessor.IsPublic)!;
        var getter = property.GetMethod?.IsPublic == widest.IsPublic ? " get;" : "";
        var setter =
            property.SetMethod is not { } set || set.IsPublic != widest.IsPublic ? ""
            : set.ReturnParameter.GetRequiredCustomModifiers().Length > 0 ? " init;"
            : " set;";
        return $"{Access(widest)}{Static(property.GetMethod)}{Name(property.PropertyType)} {property.Name} {{{getter}{setter} }}";
    }

    public static string Of(FieldInfo field)
    {
        var kind =
            field.IsLiteral ? "const "
            : field.IsStatic ? "static "
            : "";
        return $"{kind}{Name(field.FieldType)} {field.Name}";
    }

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Static(MethodInfo? method) => method is { IsStatic: true } ? "static " : "";

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var mode =
            parameter.IsOut ? "out "
            : parameter.IsIn ? "in "
            : parameter.ParameterType.IsByRef ? "ref "
            : "";
        return $"{mode}{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? " = …" : "")}";
    }

    private static string Name(Type type)
    {
        if (type.IsByRef)
        {
            return Name(type.GetElementType()!);
        }

        if (type.IsArray)
        {
            return Name(type.GetElementType()!) + "[]";
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Name(value) + "?";
        }

        var name = type.Name.Split('`')[0];
        name = type is { IsNested: true, IsGenericParameter: false }
            ? $"{Name(type.DeclaringType!)}.{name}"
            : name;
        return type.IsGenericType
            ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
            : name;
    }
}
